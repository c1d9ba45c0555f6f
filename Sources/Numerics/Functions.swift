internal import Glibc

extension Double {
    /// Natural logarithm.
    public var logarithm: Double { Glibc.log(self) }
    /// Cosine of an angle in radians.
    public var cosine: Double { Glibc.cos(self) }
}

extension Float {
    /// e to the power of this.
    public var exponential: Float { Glibc.expf(self) }
    /// Natural logarithm.
    public var logarithm: Float { Glibc.logf(self) }
    /// This to the power of `exponent`.
    public func raised(to exponent: Float) -> Float { Glibc.powf(self, exponent) }
}
