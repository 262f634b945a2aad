"""Built-in plugins: data sets, models, crops, preprocessing and augmentation. They know `bench.api` alone."""
