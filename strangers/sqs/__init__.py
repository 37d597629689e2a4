"""Amazon SQS, as moto emulates it."""
