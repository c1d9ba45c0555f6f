/// Shows how far an import is: a bar on a terminal, a line every few seconds elsewhere.
struct ImportProgress {
    private static let redrawSeconds = 0.1
    private static let lineSeconds = 5.0
    private static let barWidth = 30

    private let console: Console
    private let seconds: @Sendable () -> Double
    private let start: Double
    private var shown: Double
    private var isDrawn = false

    init(console: Console, seconds: @escaping @Sendable () -> Double) {
        self.console = console
        self.seconds = seconds
        start = seconds()
        shown = start
    }

    /// Shows the state when it is time to.
    mutating func show(fraction: Double?, _ report: () -> ImportReport) {
        let now = seconds()
        let pause = console.isErrorTerminal ? ImportProgress.redrawSeconds : ImportProgress.lineSeconds
        guard now - shown >= pause else { return }
        shown = now
        var report = report()
        report.seconds = now - start
        let text = ImportProgress.text(fraction: fraction, report, hasBar: console.isErrorTerminal)
        if console.isErrorTerminal {
            console.errorText("\r\u{1B}[K" + text)
            isDrawn = true
        } else {
            console.error(text)
        }
    }

    /// Takes the bar away, so that what follows stands on a line of its own.
    mutating func clear() {
        if isDrawn { console.errorText("\r\u{1B}[K") }
        isDrawn = false
    }

    static func text(fraction: Double?, _ report: ImportReport, hasBar: Bool) -> String {
        var text = ""
        if let fraction {
            let share = min(max(fraction, 0), 1)
            if hasBar {
                let filled = Int(share * Double(barWidth))
                text += "[" + String(repeating: "#", count: filled)
                text += String(repeating: ".", count: barWidth - filled) + "] "
            }
            text += "\(Int(share * 100)) %, "
        }
        text += "\(report.read.grouped) read, \(Int(report.rate).grouped)/s"
        if report.rejected > 0 { text += ", \(report.rejected.grouped) rejected" }
        return text
    }
}
