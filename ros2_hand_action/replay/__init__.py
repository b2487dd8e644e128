"""Videos and bags through the perception, and reports of what was seen."""
