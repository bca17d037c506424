"""The ``testbed`` command. Arguments are parsed before anything heavy is imported."""
