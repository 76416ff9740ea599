//! Tests of `basehttp` through its public API: see the `tests` folder of this package.
