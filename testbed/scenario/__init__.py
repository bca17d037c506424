"""From a scenario pack (YAML and Jinja) and a condition to a Case."""

from testbed.scenario.conditions import expand, parse_settings
from testbed.scenario.pack import Factor, Manifest, Scenario, load_pack
from testbed.scenario.render import render

__all__ = ["Factor", "Manifest", "Scenario", "expand", "load_pack", "parse_settings", "render"]
