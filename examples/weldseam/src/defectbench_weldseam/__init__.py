"""A data set of weld seams and the crop strategy ``grey-strata``, for the benchmark suite ``bench``."""
