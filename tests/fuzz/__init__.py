"""What anybody and hosts can send, made up by a fuzzer that follows coverage: `make fuzz`.

The property is the same everywhere: no input ends as anything but a typed answer or an error of our own, and
none takes long. The targets run their seeds as tests too, so that they keep up with the code.
"""
