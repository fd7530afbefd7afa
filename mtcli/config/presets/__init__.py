"""The presets, as package data: one YAML file each."""
