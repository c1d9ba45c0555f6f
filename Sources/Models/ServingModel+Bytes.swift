internal import Numerics

/// A model as bytes, little-endian: "FFM2", items, layers; of each layer growth, fall, deviation
/// (not in "FFM1"), entries, offsets, columns, values.
extension ServingModel {
    private static let magic: UInt32 = 0x324D_4646
    private static let formerMagic: UInt32 = 0x314D_4646

    /// The model as bytes. O(size).
    public func encoded() -> [UInt8] {
        var bytes = ByteSink()
        bytes.put(ServingModel.magic)
        bytes.put(UInt64(itemCount))
        bytes.put(UInt64(layers.count))
        for layer in layers {
            bytes.put(layer.recency.growth.bitPattern)
            bytes.put(layer.recency.fall.bitPattern)
            bytes.put(layer.deviation.bitPattern)
            bytes.put(UInt64(layer.rows.columns.count))
            for offset in layer.rows.offsets { bytes.put(UInt64(offset)) }
            for column in layer.rows.columns { bytes.put(column) }
            for value in layer.rows.values { bytes.put(value.bitPattern) }
        }
        return bytes.bytes
    }

    /// Reads what ``encoded()`` wrote. Every length and index is checked.
    public init(decoding bytes: [UInt8]) throws(ModelError) {
        let broken = ModelError(.unreadable, "the bytes are no model of a known version; train anew")
        var source = ByteSource(bytes)
        let form = source.take(UInt32.self)
        guard form == ServingModel.magic || form == ServingModel.formerMagic,
            let items = source.take(UInt64.self).flatMap(Int.init(exactly:)), items <= Int(UInt32.max),
            let count = source.take(UInt64.self), count <= 64
        else { throw broken }
        var layers: [Layer] = []
        for _ in 0..<count {
            guard let growth = source.take(UInt32.self), let fall = source.take(UInt32.self),
                let deviation = form == ServingModel.magic ? source.take(UInt32.self) : 0,
                let entries = source.take(UInt64.self).flatMap(Int.init(exactly:)),
                let offsets = source.take(UInt64.self, items + 1),
                let columns = source.take(UInt32.self, entries), let values = source.take(UInt32.self, entries),
                offsets.allSatisfy({ $0 <= UInt64(entries) }),
                let rows = SparseRows(
                    offsets: offsets.map { Int($0) }, columns: columns, values: values.map { Float(bitPattern: $0) },
                    columnCount: items),
                rows.values.allSatisfy(\.isFinite)
            else { throw broken }
            let recency = Recency(growth: Float(bitPattern: growth), fall: Float(bitPattern: fall))
            let usual = Float(bitPattern: deviation)
            guard recency.growth.isFinite, recency.fall.isFinite, usual.isFinite, usual >= 0 else { throw broken }
            layers.append(Layer(recency: recency, rows: rows, deviation: usual))
        }
        guard source.isAtEnd else { throw broken }
        self.init(itemCount: items, layers: layers)
    }
}
