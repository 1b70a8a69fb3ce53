"""Reading the log of what happened: page, export, alerts, proof."""
