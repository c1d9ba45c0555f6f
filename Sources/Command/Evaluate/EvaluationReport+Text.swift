internal import Evaluation

extension EvaluationReport {
    /// Tables for people: a column a model; a measure that is clearly worse than the first model's has a `-` behind it, one
    /// that is clearly better a `+`.
    var text: String {
        var lines = [facts.map { "\($0.value.grouped) \($0.name.replacing("_", with: " "))" }.joined(separator: ", ")]
        if let cutAt {
            lines.append("Learned from what came before \(cutAt), tested on what was new to each person after.")
        }
        if isMasked == false { lines.append("Items of the history may be listed.") }
        var table = [[""] + rows.map(\.name)]
        for (place, name) in names.enumerated() {
            table.append([name] + rows.map { cell($0, place) })
            table.append(["  95 %"] + rows.map { interval($0, place) })
        }
        for (place, cutoff) in (rows.first?.exposures.map(\.cutoff) ?? []).enumerated() {
            let shown = rows.map { $0.exposures[place].exposure }
            table.append(["coverage@\(cutoff)"] + shown.map { $0.coverage.fixed(4) })
            table.append(["novelty@\(cutoff), bits"] + shown.map { $0.novelty.fixed(2) })
            table.append(["gini@\(cutoff)"] + shown.map { $0.gini.fixed(4) })
            table.append(["popularity bias@\(cutoff)"] + shown.map { $0.popularityBias.fixed(2) })
        }
        table.append(["choosing, CPU s"] + rows.map { $0.choosingSeconds.fixed(2) })
        table.append(["training, CPU s"] + rows.map { $0.trainingSeconds.fixed(2) })
        table.append(["scoring, CPU s"] + rows.map { $0.scoringSeconds.fixed(2) })
        lines += EvaluationReport.aligned(table)
        lines.append("Peak memory \((peakMemoryBytes >> 20).grouped) MiB.")
        if rows.count > 1 {
            lines.append(
                "+ and -: better and worse than \(rows.first?.name ?? "") beyond noise (paired bootstrap, 95 %).")
        }
        for (name, reason) in leftOut { lines.append("\(name) is left out: \(reason).") }
        for row in rows where !row.parameters.isEmpty {
            let chosen = row.parameters.keys.sorted().map { "\($0) \(row.parameters[$0] ?? "")" }
            lines.append("\(row.name): \(chosen.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }

    private func cell(_ row: Row, _ place: Int) -> String {
        var text = row.estimates[place].mean.fixed(4)
        if place < row.differences.count {
            let difference = row.differences[place]
            text += difference.lower > 0 ? " -" : difference.upper < 0 ? " +" : ""
        }
        return text
    }

    private func interval(_ row: Row, _ place: Int) -> String {
        "\(row.estimates[place].lower.fixed(4))…\(row.estimates[place].upper.fixed(4))"
    }

    private static func aligned(_ table: [[String]]) -> [String] {
        let widths = (table.first ?? []).indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
