/// The file formats for tasks coming in and labels going out.
public enum TaskFormat: String, CaseIterable, Sendable {
    /// One JSON object a line.
    case jsonl
    /// RFC 4180 with a header row.
    case csv
    /// An array of Label Studio tasks.
    case labelstudio

    /// The format that a file's name suggests; nil when it suggests none.
    public static func guess(from path: String) -> TaskFormat? {
        guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
        return switch path[path.index(after: dot)...].lowercased() {
        case "jsonl", "ndjson": .jsonl
        case "csv": .csv
        case "json": .labelstudio
        default: nil
        }
    }

    /// What a file of labels in this format is called.
    public var labelFileName: String {
        switch self {
        case .jsonl: "labels.jsonl"
        case .csv: "labels.csv"
        case .labelstudio: "labels.json"
        }
    }
}
