public struct SnapshotWriter { public mutating func bytes(_ b: [UInt8]) {} }
public struct SnapshotReader { public mutating func bytes() throws -> [UInt8] { [] } }
public enum SnapshotFile {
  public struct File { public var position: Int64 = 0; public func section(_ n: String) -> SnapshotReader? { nil } }
  public enum Outcome { case snapshot(File), none }
  public static func write(path: String, kind: String, version: UInt32, position: Int64, sections: [(String, (inout SnapshotWriter) -> Void)]) throws(StorageError) {}
  public static func read(path: String, kind: String, version: UInt32) -> Outcome { .none }
}
