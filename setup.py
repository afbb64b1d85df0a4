"""What pyproject.toml cannot say: packages are found, and the recipes at the top of the project travel with them."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["xafsflow*"]), "xafsflow.workflows"],
    package_dir={"xafsflow.workflows": "workflows"},
)
