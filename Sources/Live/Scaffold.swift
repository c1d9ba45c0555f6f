public import Domain
public import Storage
public struct LiveSnapshot: Sendable { public var position: Int64; public func write(to: String) throws(StorageError) {} }
extension LiveState {
  public func freeze() -> LiveSnapshot { LiveSnapshot(position: position) }
  public static func load(path: String, names: NameTable, hasher: KeyHasher, plan: LivePlan, logPosition: Int64) -> (LiveState, String?) { (LiveState(names: names, hasher: hasher, plan: plan), nil) }
}
