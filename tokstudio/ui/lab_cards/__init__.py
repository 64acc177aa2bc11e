"""The parts of the Model page: one view a file, each a widget with `name`, `title` and `run(lab)`."""
