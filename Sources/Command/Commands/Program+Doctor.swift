internal import JSON

extension Program {
    /// Says what is wrong with a data folder; status 1 when something is.
    func examine(_ configuration: Configuration) throws(CommandError) -> CommandStatus {
        let doctor = Doctor(
            Doctor.Options(
                folder: configuration.text("data", or: "./data"), host: configuration.text("host", or: "127.0.0.1"),
                port: configuration.integer("port"), isFull: configuration.flag("full"), now: clock()))
        if configuration.flag("json") {
            let list = doctor.findings.map { finding -> JSONValue in
                var object: JSONObject = [
                    "check": .string(finding.check), "level": .string(finding.level.rawValue),
                    "message": .string(finding.message),
                ]
                if let remedy = finding.remedy { object["remedy"] = .string(remedy) }
                return .object(object)
            }
            let answer: JSONValue = ["ok": .bool(doctor.isFine), "findings": .array(list)]
            try console.output(answer.text)
        } else {
            for finding in doctor.findings {
                let mark = switch finding.level { case .ok: "ok      "; case .note: "note    "; case .problem: "PROBLEM " }
                try console.output("\(mark) \(finding.check): \(finding.message)")
                if let remedy = finding.remedy { try console.output("          \(remedy)") }
            }
        }
        return doctor.isFine ? .success : .failure
    }
}
