/// Takes the records of a source to a sink, in order for each person, and counts what becomes of them.
struct Importer {
    /// Requests on their way at once: enough that the server gathers several into one commit while it reads others.
    static let laneCount = 16
    /// Most records in a request.
    static let batchRecords = 1000
    /// Most bytes in a request, unless one record alone is longer.
    static let batchBytes = 1 << 20

    let sink: any ImportSink
    let console: Console
    /// Seconds, from any beginning.
    let seconds: @Sendable () -> Double

    /// Imports everything.
    func run<Source: ImportSource>(_ source: consuming Source) throws(CommandError) -> ImportReport {
        var source = source
        let start = seconds()
        let lanes = SendingLanes(count: Importer.laneCount, sink: sink) { Source.place($0, line: $1) }
        var progress = ImportProgress(console: console, seconds: seconds)
        defer { lanes.stop() }
        do throws(CommandError) {
            try send(&source, lanes, &progress)
        } catch {
            progress.clear()
            throw error
        }
        progress.clear()
        var report = lanes.progress
        report.seconds = seconds() - start
        return report
    }

    private func send<Source: ImportSource>(
        _ source: inout Source, _ lanes: SendingLanes, _ progress: inout ImportProgress
    ) throws(CommandError) {
        var batches = (0..<Importer.laneCount).map { _ in SendingLanes.Batch() }
        var record = ImportRecord()
        var unreported = 0
        func flush() throws(CommandError) {
            for lane in batches.indices where batches[lane].count > 0 {
                try lanes.add(batches[lane], to: lane)
                batches[lane] = lanes.emptyBatch()
            }
        }
        var kind = ImportRecord.Kind.entity
        reading: while true {
            switch try source.next(into: &record) {
            case .end: break reading
            case .malformed(let line, let reason):
                lanes.note(
                    ImportReport.Problem(line: line, place: Source.place(record.kind, line: line), reason: reason))
            case .record:
                if record.kind != kind {
                    // A strict plan wants the entities to be there before anybody interacts with them.
                    try flush()
                    try lanes.drain()
                    kind = record.kind
                }
                let lane = Int(record.lane % UInt64(Importer.laneCount))
                if batches[lane].bytes.count + record.json.count >= Importer.batchBytes, batches[lane].count > 0 {
                    try lanes.add(batches[lane], to: lane)
                    batches[lane] = lanes.emptyBatch()
                }
                batches[lane].kind = record.kind
                batches[lane].bytes.append(contentsOf: record.json)
                batches[lane].bytes.append(10)
                batches[lane].lines.append(record.line)
                if batches[lane].count >= Importer.batchRecords {
                    try lanes.add(batches[lane], to: lane)
                    batches[lane] = lanes.emptyBatch()
                }
            }
            unreported += 1
            if unreported == 256 {
                lanes.noteRead(unreported)
                unreported = 0
                progress.show(fraction: source.fraction) { lanes.progress }
            }
        }
        lanes.noteRead(unreported)
        try flush()
        try lanes.drain()
    }
}

/// The newest time of a source, read to its end; `nil` when no record has one.
func newestTime<Source: ImportSource>(of source: consuming Source) throws(CommandError) -> Int64? {
    var source = source
    var record = ImportRecord()
    var newest: Int64?
    while true {
        switch try source.next(into: &record) {
        case .end: return newest
        case .malformed: continue
        case .record:
            if let time = record.time, time > newest ?? .min { newest = time }
        }
    }
}
