//! Programs that need only `basehttp` and the standard library: see the folder `examples` of this package.
