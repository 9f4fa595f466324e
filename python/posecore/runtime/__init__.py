"""From a picture to poses: geometry, interpreters, and `Estimator`, which joins them."""
