extension CommandDeclaration {
    /// Every command, in the order of the help.
    public static func all(processors: Int) -> [CommandDeclaration] {
        [
            serve(processors: processors), importing, exporting, keysCreate, keysList, keysRevoke, schemaCheck, train,
            recommend, evaluate,
            backup, restore, doctor,
        ]
    }

    static func serve(processors: Int) -> CommandDeclaration {
        CommandDeclaration(
            words: ["serve"],
            summary: "Run the server.",
            discussion: [
                "Collects interactions over HTTP, stores them in the data folder, and answers with lists. "
                    + "Makes the tenant demo when there is none, with its keys in DIR/keys.json (mode 0600). "
                    + "SIGTERM or Ctrl-C stops it once everything taken is stored.",
                "Each setting comes from its flag, else from its environment variable, else from the file given with "
                    + "--config, else from its default. The file is one JSON object; its keys are the options' names "
                    + "with _ for -, such as {\"port\": 9000, \"cors_origin\": [\"https://shop.example\"]}. "
                    + "Unknown keys and unknown FOOTFALL_ variables are refused.",
            ],
            positionals: [], options: ServeOptions.declarations(processors: processors),
            examples: [
                Example(line: "footfall serve", help: "On http://127.0.0.1:8080 with the data in ./data."),
                Example(
                    line: "footfall serve --data /srv/footfall --host 0.0.0.0 --cors-origin https://shop.example",
                    help: "For pages of one shop, from any machine."),
                Example(
                    line: "FOOTFALL_PORT=9000 footfall serve --config footfall.json --print-config",
                    help: "What would be in force, and who says so."),
            ])
    }

    static let importing = CommandDeclaration(
        words: ["import"],
        summary: "Import interactions, entities and users from files.",
        discussion: [
            "Sends the records of PATH to the server that runs on the data folder, or opens the folder itself when "
                + "none runs. Times are taken as they are, however old. Interactions without an id get one made from "
                + "their line, so importing a file again, or going on after a break, adds nothing twice within the "
                + "7 days of the deduplication window.",
            "Formats. jsonl: one interaction of the API a line, as footfall export writes them too. csv: with a header of the API's field names; metadata "
                + "as a column of JSON or as columns metadata.NAME, whose cells may be JSON (12, true, [1,2]) or plain "
                + "text; an empty cell is an absent field. Of an export, received_at and original_type are passed over: "
                + "the server sets them. With --entities, both hold entities instead: in csv, "
                + "categories and labels are separated by | or a JSON list, and attributes go like metadata. "
                + "With --users, they hold users: id, and traits like metadata. "
                + "movielens: the folder of MovieLens 100K; films become entities (product) with genres as "
                + "categories, ratings become views with the rating as metadata, in order of time. sessions: "
                + "tab-separated SessionId, ItemId and Time (seconds) with a header; each line becomes a view.",
            "A record that cannot be read, or that the server refuses, is counted and passed over; the first 10 are "
                + "shown with their line and the reason. The command then ends with status 1, unless --allow-errors.",
        ],
        positionals: [
            Positional(placeholder: "PATH", help: "The file or, for movielens, the folder; - for standard input.")
        ],
        options: [
            .tenant,
            OptionDeclaration(
                "format", "FORMAT", .choice(ImportFormat.allCases.map(\.rawValue)), isRequired: true,
                "What PATH holds."),
            .data,
            OptionDeclaration(
                "entities", "", .flag, "jsonl and csv: PATH holds entities. movielens: send the films only."),
            OptionDeclaration("users", "", .flag, "jsonl and csv: PATH holds users with their traits."),
            OptionDeclaration(
                "shift-time", "", .flag,
                "Move all times by the same amount, so that the newest is now. Reads the file twice."),
            OptionDeclaration("allow-errors", "", .flag, "End with status 0 even when records were refused."),
            .json,
        ],
        examples: [
            Example(
                line: "footfall import --tenant demo --format movielens --shift-time ml-100k",
                help: "100,000 ratings that end now: a live popular list."),
            Example(
                line: "zcat 2026-*.jsonl.gz | footfall import --tenant shop --format jsonl -",
                help: "A shop's history from standard input."),
            Example(
                line: "footfall import --tenant shop --format csv --entities products.csv",
                help: "A catalogue with the columns type,id,title,categories,price,currency."),
        ])

    static let keysCreate = CommandDeclaration(
        words: ["keys", "create"],
        summary: "Make a key and print it.",
        discussion: [
            "Prints the key alone on standard output. Only its SHA-256 hash is stored, so it cannot be shown again. A "
                + "server that runs on the folder takes the key at once. Standard error says the key's id, by which "
                + "keys list shows it and keys revoke takes it, and when a tenant that did not exist was made."
        ],
        positionals: [],
        options: [
            .tenant,
            OptionDeclaration(
                "scope", "SCOPE", .choice(["write", "secret", "webhook"]), isRequired: true,
                "write: safe in a browser, sends interactions and reads lists that name no person; secret: for the "
                    + "owner's server, may do everything; webhook: signs callbacks."),
            .data,
        ],
        examples: [
            Example(
                line: "KEY=$(footfall keys create --tenant shop --scope write)",
                help: "A key for the shop's pages.")
        ])

    static let keysList = CommandDeclaration(
        words: ["keys", "list"],
        summary: "List the keys, by the beginning of their hashes.",
        discussion: [
            "One line a key: tenant, scope, time it was made, id. The id is the first 12 digits of its SHA-256 hash."
        ],
        positionals: [],
        options: [OptionDeclaration("tenant", "T", .text, "Only this tenant's."), .data, .json],
        examples: [Example(line: "footfall keys list --tenant shop", help: "The shop's keys.")])

    static let keysRevoke = CommandDeclaration(
        words: ["keys", "revoke"],
        summary: "Make a key open nothing any more.",
        discussion: [
            "ID is the key's id as keys create and keys list show it, its first 6 digits at least, or the key itself. "
                + "The server that runs on the data folder refuses the key from then on; a webhook secret's signatures "
                + "are believed no more. A revoked key cannot be brought back: make a new one."
        ],
        positionals: [Positional(placeholder: "ID", help: "The key's id.")],
        options: [.data],
        examples: [Example(line: "footfall keys revoke 3f9ad2c0e1b7", help: "The key with this id.")])

    static let schemaCheck = CommandDeclaration(
        words: ["schema", "check"],
        summary: "Check data against JSON Schemas.",
        discussion: [
            "Reads one {\"schema\": …, \"data\": …} a line and prints valid, invalid or unsupported for each, in "
                + "order. unsupported: the schema uses a keyword that would change what is valid and that tracking plans "
                + "do not have. Keywords that no one knows are passed over, and so is what stands in \"$defs\" and is not "
                + "referred to, as the standard has it; a plan is refused for them, since they are slips of the pen. Ends "
                + "with status 1 when a line is not such an object."
        ],
        positionals: [],
        options: [OptionDeclaration("pairs", "FILE", isRequired: true, "The lines; - for standard input.")],
        examples: [
            Example(
                line: "echo '{\"schema\":{\"minimum\":3},\"data\":2}' | footfall schema check --pairs -",
                help: "Prints: invalid")
        ])
}
