//! Programs that need nothing but `basehttp` and the standard library: see the folder `examples` of this package.
