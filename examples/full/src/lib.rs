//! Programs that need features of `basehttp` or other crates: see the folder `examples` of this package.
