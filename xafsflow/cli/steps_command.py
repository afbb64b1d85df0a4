"""`xafsflow steps` and `xafsflow show`: the steps, read off their table."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--schema", is_flag=True, help="Print the JSON Schema of recipes, for editors.")
def steps(schema: bool) -> None:
    """List all steps."""
    from xafsflow.pipeline.plan import table
    from xafsflow.pipeline.recipe_schema import recipe_schema

    if schema:
        click.echo(json.dumps(recipe_schema(), indent=1))
        return
    rows = table().values()
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.summary}")


@click.command()
@click.argument("step")
def show(step: str) -> None:
    """Show the settings and documentation of a STEP."""
    import inspect

    from xafsflow.errors import InputError
    from xafsflow.pipeline.plan import table
    from xafsflow.pipeline.setting_types import describe_type
    from xafsflow.readable_steps import readable_names
    from xafsflow.vocabulary import nearest

    row = table().get(step)
    if row is None:
        raise InputError(
            f"the step {step!r}",
            "the name of a step",
            f"list them with `xafsflow steps`{nearest(step, table())}",
        )
    click.echo(f"{row.name}: {', '.join(row.takes) or 'nothing'} -> {', '.join(row.makes)}")
    for word, names in (("needs", row.needs), ("gives", row.gives)):
        if names:
            click.echo(f"  {word} {', '.join(readable_names(names))}")
    for name, parameter in row.settings.items():
        default = "required" if parameter.default is parameter.empty else f"default {parameter.default!r}"
        click.echo(f"  {name}: {describe_type(row.types[name])} ({default})")
    click.echo(f"\n{inspect.getdoc(row.function)}")
