/// Numbers as sentences have them.
enum Counted {
    /// "1 task", "2,040 tasks".
    static func of(_ number: some BinaryInteger, _ noun: String) -> String {
        "\(ProgressPicture.grouped(Int(clamping: number))) \(noun)\(number == 1 ? "" : "s")"
    }
}
