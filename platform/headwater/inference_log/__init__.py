"""The inference log: what the service was asked and answered, without who asked, cut into windows."""
