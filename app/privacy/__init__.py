"""What is kept of a person: finding it, handing it over, erasing it. Works on records of every kind by their fields."""
