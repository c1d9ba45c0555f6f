extension CommandDeclaration {
    static let exporting = CommandDeclaration(
        words: ["export"],
        summary: "Write interactions as CSV or JSON lines.",
        discussion: [
            "Asks the server that runs on the data folder, or opens the folder itself when none runs. Interactions come in "
                + "the order of the log (oldest first), page by page: memory does not grow with them. What arrives while "
                + "it runs is included as long as it is ahead of it. Progress goes to standard error.",
            "All filters hold at once. --where names fields of the metadata: metadata.NAME (is there), or metadata.NAME "
                + "followed by =, !=, <, <=, > or >= and a value; several are separated by commas.",
        ],
        positionals: [],
        options: [
            .tenant,
            OptionDeclaration(
                "format", "FORMAT", .choice(ExportFormat.allCases.map(\.rawValue)), isRequired: true,
                "csv: with a header, metadata as JSON; jsonl: one interaction of the API a line."),
            .data,
            OptionDeclaration(
                "output", "FILE", .text, "A file that is not there yet; it has its name once it is whole. Standard output else."),
            OptionDeclaration("from", "TIME", .text, "Happened at this RFC 3339 time or later."),
            OptionDeclaration("to", "TIME", .text, "Happened before this time."),
            OptionDeclaration("user-id", "ID", .text, "Of this user."),
            OptionDeclaration("anonymous-id", "ID", .text, "Of this visitor."),
            OptionDeclaration("session-id", "ID", .text, "In this session."),
            OptionDeclaration("entity-type", "TYPE", .text, "With entities of this type."),
            OptionDeclaration("entity-id", "ID", .text, "With this entity."),
            OptionDeclaration("type", "TYPE", .text, "Of this interaction type."),
            OptionDeclaration("context", "CONTEXT", .text, "In this context."),
            OptionDeclaration("where", "CONDITIONS", .list, "What the metadata must hold."),
            OptionDeclaration(
                "order", "ORDER", .choice(["asc", "desc"]), default: "asc", "asc: oldest first; desc: newest first."),
        ],
        examples: [
            Example(
                line: "footfall export --tenant shop --format csv --type order --from 2026-01-01T00:00:00Z --output orders.csv",
                help: "The orders of a year so far."),
            Example(
                line: "footfall export --tenant demo --format jsonl --where 'metadata.source=feed,metadata.duration>=5000'",
                help: "Long looks from the feed, to standard output."),
        ])

    static let backup = CommandDeclaration(
        words: ["backup"],
        summary: "Copy a data folder while the server runs.",
        discussion: [
            "Copies the tenants, their keys and each tenant's database into DEST, beside the server that runs on the "
                + "folder or without one. Each database is of one moment, and everything that was acknowledged before "
                + "the command began is in it. A manifest with checksums of all tables is written last: without it a "
                + "folder is no backup.",
            "What can be rebuilt from the log (live state, remembered ids) is not copied.",
        ],
        positionals: [Positional(placeholder: "DEST", help: "A folder that is empty or not there yet.")],
        options: [
            .data,
            OptionDeclaration("verify", "", .flag, "Copy nothing: compare the backup DEST with its manifest."),
        ],
        examples: [
            Example(line: "footfall backup --data /srv/footfall /mnt/backup/$(date +%F)", help: "A backup of today."),
            Example(line: "footfall backup --verify /mnt/backup/2026-01-31", help: "Whether it is still whole."),
        ])

    static let restore = CommandDeclaration(
        words: ["restore"],
        summary: "Make a data folder of a backup.",
        discussion: [
            "Checks the backup SRC against its manifest, copies it into the data folder, which must be empty or not there "
                + "yet, and reads it back: the contents of every table are the backup's."
        ],
        positionals: [Positional(placeholder: "SRC", help: "A folder that \"footfall backup\" has written.")],
        options: [
            .data,
            OptionDeclaration(
                "verify", "", .flag, "Copy nothing: compare the contents of the data folder with the backup's manifest."),
        ],
        examples: [
            Example(
                line: "footfall restore /mnt/backup/2026-01-31 --data /srv/footfall-new",
                help: "Then: footfall serve --data /srv/footfall-new")
        ])

    static let doctor = CommandDeclaration(
        words: ["doctor"],
        summary: "Say what is wrong with a data folder, and how to mend it.",
        discussion: [
            "Looks at the folder's rights, disk, lock, keys, databases (headers, versions, integrity), snapshots, files of "
                + "remembered ids and tracking plans, and at the port and the clock, and changes nothing. Works beside a "
                + "running server. Ends with status 1 when something is wrong."
        ],
        positionals: [],
        options: [
            .data,
            OptionDeclaration(
                "host", "ADDRESS", default: "127.0.0.1", isConfigurable: true, "Address that the server is to listen on."),
            OptionDeclaration(
                "port", "N", .integer(0...65_535), default: "8080", isConfigurable: true,
                "Port that the server is to listen on; 0: do not look at it."),
            OptionDeclaration("full", "", .flag, "Compare indexes with their tables too, which takes longer."),
            .json,
        ],
        examples: [Example(line: "footfall doctor --data /srv/footfall", help: "One line for each thing looked at.")])
}
