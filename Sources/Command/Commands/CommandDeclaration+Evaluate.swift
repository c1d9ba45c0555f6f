internal import Evaluation
internal import Models

extension CommandDeclaration {
    static let evaluate = CommandDeclaration(
        words: ["evaluate"],
        summary: "Measure recommendations on held-back data.",
        discussion: [
            "Learns from --train and --valid, lists for everyone in --test, and prints a table of models side by side: "
                + "recall, NDCG, hit rate, MRR, MAP and precision at each cut-off of --at, with 95 % intervals by bootstrap; "
                + "what the lists show (coverage, novelty, Gini coefficient, popularity); time and memory. What must be chosen "
                + "is chosen on --valid or on a hold-out of the training part, never on the test.",
            "Formats. lists: a line for each user, the user and then the items, oldest first, separated by spaces or tabs; the "
                + "position of items in --valid is not known. pairs: a line for each interaction, user, item and optionally "
                + "weight and time (seconds or milliseconds); a third column of numbers from 100000000 on is a time; without "
                + "times, and among equal times, the order of the file counts. sessions: tab-separated SessionId, ItemId and "
                + "Time (seconds) with a header.",
            "Protocol. Every item of training is ranked; those of the user's own history are left out, unless a tenth or more "
                + "of the test repeats them. Users without test items are not counted; users without a history are, and get "
                + "the popular list; test items unknown to training are misses. Sessions as in session-rec: each place of each "
                + "test session is predicted from what stands before it, nothing is left out, and hr and mrr are means over "
                + "predictions.",
            "Without --test, --split divides --train: last holds back each user's last interaction (of sessions, the last "
                + "day), temporal:0.8 what came after the first 80 % of all interactions.",
            "With --tenant it is the tenant's own log that is learned from and tested on, cut by time (temporal:0.9 unless "
                + "--split says otherwise): weights and half-life are those of its plan and settings, entities that lists may "
                + "not show are left out, and what a person had to do with before does not count as new. Asks the server "
                + "that runs on the data folder, or opens the folder itself when none runs. Nothing is stored; what a "
                + "training measured of its model stands in GET /v1/models.",
        ],
        positionals: [],
        options: [
            OptionDeclaration("train", "FILE", .text, "What to learn from."),
            OptionDeclaration("tenant", "T", .text, "Evaluate on this tenant's log, in place of files."),
            .data,
            OptionDeclaration("valid", "FILE", .text, "What to choose on; it is learned from at the end."),
            OptionDeclaration("test", "FILE", .text, "What to test on."),
            OptionDeclaration("split", "SPLIT", .text, "last or temporal:SHARE, in place of --test."),
            OptionDeclaration(
                "format", "FORMAT", .choice(DatasetFormat.allCases.map(\.rawValue)), "What the files hold."),
            OptionDeclaration("at", "K,…", .list, default: "20", "Lengths at which lists are cut off."),
            OptionDeclaration("ignore-order", "", .flag, "Models see sets: without order and times."),
            OptionDeclaration(
                "models", "NAME,…", .list,
                "Models to set side by side; the first one is measured against the others. all: every model but tuned-…. "
                    + "One that cannot be had is left out, which a line says. default: the blend that train chooses; served: "
                    + "the same, folded into the rows that answer requests; of files of lists and pairs also "
                    + SingleModel.allCases.map(\.rawValue).joined(separator: ", ")
                    + ", each with its standard parameters."
            ),
            OptionDeclaration(
                "seed", "N", .integer(0...Int64.max), default: "1", "Seed of everything drawn at random."),
            OptionDeclaration("threads", "N", .integer(1...1024), "Processors to use, all unless told."),
            .json,
        ],
        examples: [
            Example(
                line: "footfall evaluate --train train.txt --test test.txt --format lists --at 20 --json",
                help: "Prints {\"recall@20\": …, \"ndcg@20\": …, …}."),
            Example(
                line: "footfall evaluate --train u.data --format pairs --split last --at 10,20 --models all",
                help: "Each user's last rating, for every model."),
            Example(
                line: "footfall evaluate --tenant shop --split temporal:0.8 --json",
                help: "The last fifth of a shop's own log."),
        ])
}
