import Collect
import Domain
import JSON
import Testing

/// A fixed moment, so that no test depends on when it runs: 2026-01-31T12:00:00Z.
let noon: Int64 = 1_769_860_800_000

func compiled(_ preset: String) throws -> CompiledPlan {
    let plan = try #require(try TrackingPlan.preset(preset))
    return try CompiledPlan(plan, version: 1, names: NameTable())
}

func reception(_ preset: String = "default", _ change: (inout Reception) -> Void = { _ in }) throws -> Reception {
    var reception = Reception(
        receivedAt: noon, plan: try compiled(preset), limits: CollectionLimits(TenantSettings()),
        hasher: KeyHasher(seed: 7))
    change(&reception)
    return reception
}

func decode(_ text: String, _ reception: Reception) throws -> DecodedRequest {
    try Array(text.utf8).withBytes { (bytes) throws(FootfallError) in
        try RequestDecoder().interactions(bytes, reception)
    }
}

extension DecodedRequest {
    /// `ok`, or the code of the refusal, of each row.
    var verdicts: [String] {
        batch.rows.map { $0.verdict == .rejected ? batch.string($0.rejectionCode) ?? "?" : "ok" }
    }
}
