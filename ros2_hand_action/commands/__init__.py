"""The subcommands of `hand-action`, one module each."""
