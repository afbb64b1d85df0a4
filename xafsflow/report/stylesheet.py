"""The style sheet of the page: system fonts, light and dark, screen, phone and paper."""

LIGHT = """
  color-scheme: light;
  --ground: #f4f6f8; --card: #ffffff; --ink: #17202a; --quiet: #5a6673; --line: #dde2e7;
  --accent: #0b6a8f; --soft: #e8f1f5; --warn: #7a4b00; --warn-ground: #fff5dd; --warn-line: #e8b84a;
"""

DARK = """
  color-scheme: dark;
  --ground: #0f1317; --card: #181e24; --ink: #e4e9ee; --quiet: #9aa6b2; --line: #2b343d;
  --accent: #6cbfe0; --soft: #1b2a33; --warn: #ffd98a; --warn-ground: #33280f; --warn-line: #8a6a20;
"""

RULES = """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5; font-size: 16px;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial,
  sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 1.9rem; line-height: 1.15; margin: 0; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 0.2rem; letter-spacing: -0.01em; scroll-margin-top: 3.6rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
p { margin: 0.3rem 0 0; }
a { color: var(--accent); }
section { margin: 2.6rem 0 0; }
.quiet, .sub { color: var(--quiet); }
.lead { max-width: 62rem; font-size: 1.08rem; margin: 1rem 0 0; overflow-wrap: anywhere; }
.intro { color: var(--quiet); max-width: 58rem; margin: 0 0 0.9rem; }
nav { position: sticky; top: 0; z-index: 5; background: var(--ground); border-bottom: 1px solid var(--line);
  margin-top: 1.2rem; }
nav div { max-width: 76rem; margin: 0 auto; padding: 0.55rem 1.25rem; display: flex; gap: 1.1rem;
  overflow-x: auto; white-space: nowrap; font-size: 0.88rem; scrollbar-width: none; }
nav a { text-decoration: none; color: var(--quiet); }
nav a:hover, nav a:focus { color: var(--accent); text-decoration: underline; }

.warnings { background: var(--warn-ground); border: 1px solid var(--warn-line); border-left-width: 5px;
  border-radius: 8px; padding: 0.7rem 1rem; margin: 1.3rem 0 0; color: var(--warn);
  overflow-wrap: anywhere; }
.warnings ul { margin: 0.3rem 0 0; padding-left: 1.2rem; }
.verdict { margin: 1.2rem 0 0; padding: 0.2rem 0 0.3rem 1rem; border-left: 5px solid var(--accent);
  max-width: 62rem; overflow-wrap: anywhere; }
.verdict p { margin: 0; font-size: 1.15rem; font-weight: 600; line-height: 1.4; }
.verdict cite { font-style: normal; font-size: 0.84rem; color: var(--quiet); }
.sheet .verdict { margin: 0.5rem 0; padding: 0 0 0 0.8rem; border-left-width: 4px; }
.sheet + .grid { margin-top: 1rem; }
.sheet .verdict p { font-size: 1rem; }
h3.part { font-size: 1.1rem; margin: 1.7rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr)); gap: 0.8rem;
  margin: 1.4rem 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 0.7rem 0.9rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.25; letter-spacing: -0.01em;
  font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: 0.84rem; }

.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.grid.twos { grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); }
.hero, .stack { display: grid; gap: 1rem; align-content: start; min-width: 0; }
@media (min-width: 60rem) { nav div { flex-wrap: wrap; row-gap: 0.1rem; } }
@media (min-width: 60rem) { .hero { grid-template-columns: 1.7fr 1fr; } }
.hero .sheet, .grid .sheet { margin: 0; min-width: 0; align-self: start; }
.card { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 0.8rem 1rem 0.9rem;
  display: flex; flex-direction: column; min-width: 0; }
.card p { font-size: 0.86rem; color: var(--quiet); line-height: 1.42; overflow-wrap: anywhere; }
.plot { position: relative; margin: 0.5rem 0 0.2rem; }
.plot > div { margin: 0 auto; }
.plot svg { display: block; width: 100%; height: auto; overflow: visible; }
.plot button { position: absolute; inset: 0; width: 100%; border: 0; background: none; cursor: zoom-in;
  border-radius: 6px; }
.plot button:focus-visible { outline: 2px solid var(--accent); }
svg { color: var(--ink); font-family: inherit; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
[popover] { width: 96vw; height: 94vh; border: 1px solid var(--line); border-radius: 12px; padding: 1rem;
  background: var(--card);
  color: var(--ink); }
[popover]::backdrop { background: rgb(0 0 0 / 0.55); }
[popover]:popover-open { display: flex; flex-direction: column; }
[popover] svg { flex: 1; min-height: 0; width: 100%; }
[popover] button { align-self: flex-end; font: inherit; color: var(--accent); background: none;
  border: 0; cursor: pointer; }
@supports not selector(:popover-open) { [popover], .plot button { display: none; } }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.9rem 0.3rem 0;
  border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }
td:not(.n) { min-width: 3.5rem; max-width: 44rem; }
td > .scroll { margin-top: -0.3rem; }
th { font-weight: 600; color: var(--quiet); white-space: nowrap; }
tr:last-child > td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.name { display: inline-block; min-width: min(9rem, 38vw); }
.facts td:first-child { color: var(--quiet); min-width: 9rem; max-width: 22rem; }
.facts .name { display: inline-block; min-width: min(9rem, 38vw); }
.facts td:first-child { min-width: 6rem; }
.wide { width: 100%; }
.swatch { display: inline-block; width: 0.85em; height: 0.85em; border-radius: 3px; margin-right: 0.5em;
  vertical-align: -0.05em;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.bar { display: block; height: 0.55rem; border-radius: 3px; background: var(--accent); min-width: 1px;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.track { display: block; min-width: 5rem; margin-top: 0.45rem; border-radius: 3px; background: var(--line);
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.digest { display: inline-block; min-width: 11rem; word-break: break-all; }
.room { width: 38%; min-width: 6rem; }
.sheet { margin: 1rem 0 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 0.9rem 1.1rem; }
.sheet h3 { margin-bottom: 0.4rem; }
.sheet p { font-size: 0.86rem; }
.sheets { columns: 27rem; column-gap: 1rem; margin-top: 1rem; }
.sheets .sheet { margin: 0 0 1rem; break-inside: avoid; }
.setting { display: inline-block; margin: 0 1.1rem 0 0; }
.setting i { font-style: normal; color: var(--quiet); }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  font-size: 0.86em; }
pre { overflow-x: auto; margin: 0.4rem 0; padding: 0.7rem 0.9rem; background: var(--soft);
  border-radius: 8px; line-height: 1.45; }
details { margin-top: 0.5rem; }
summary { cursor: pointer; color: var(--accent); }
footer { padding: 2.5rem 1.25rem 3rem; font-size: 0.86rem; color: var(--quiet); }
@media (max-width: 40rem) {
  header, main { padding-left: 0.8rem; padding-right: 0.8rem; }
  header { padding-top: 1.3rem; }
  h1 { font-size: 1.5rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .card { padding: 0.7rem 0.7rem 0.8rem; }
  .sheet { padding: 0.8rem; }
  .track { min-width: 2.4rem; }
}
@media print {
  body { font-size: 10.5pt; background: white; }
  nav, .plot button, [popover] { display: none; }
  header, main { max-width: none; padding: 0; }
  .grid { grid-template-columns: 1fr 1fr 1fr; }
  .grid.twos { grid-template-columns: 1fr 1fr; }
  .hero { grid-template-columns: 1.7fr 1fr; }
  .card, .tile, .sheet tr, .warnings { break-inside: avoid; }
  h2, .intro { break-after: avoid; }
  table { font-size: 8pt; }
  .scroll { overflow: visible; }
  .track { min-width: 2rem; }
  section { margin-top: 1.4rem; }
}
"""

CSS = f":root {{{LIGHT}}}\n@media screen and (prefers-color-scheme: dark) {{ :root {{{DARK}}} }}{RULES}"
