//! Examples of `basehttp`: see the `examples` folder of this package.
