"""How a Python case says that its claim does not hold, or cannot be tried."""


class Fail(Exception):
    pass


class Skip(Exception):
    pass
