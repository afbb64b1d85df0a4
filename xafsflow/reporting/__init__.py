"""Maps and findings of a run to pictures, and to one self-contained HTML file."""
