/// Which exclusions bear on which labels, as SQL says it; one place for every statement that reads what people
/// answered (P3).
///
/// An exclusion covers a label of its person up to its number that stands on its purpose: by its provenance or, for a
/// severity above 1, by its lane.
enum ExclusionRule {
    /// Without these there is no label at all, so their withdrawal bears on every use.
    static func isNeededByAll(_ purpose: String) -> String {
        "(\(purpose) = 'taking-part' or \(purpose) like 'severity-%')"
    }

    /// Whether the exclusion `e` is of a purpose that a label under provenance `v` in lane `a` stands on.
    static let standsOn = """
        (exists (select from unnest(v.agreements) g where split_part(g, '@', 1) = e.purpose)
            or (a.severity > 1 and e.purpose = 'severity-' || a.severity))
        """

    /// The same, for the use of the labels that `purpose` names: withdrawing one use leaves the others.
    static func bearsOn(_ purpose: String) -> String {
        "((e.purpose = \(purpose) or \(isNeededByAll("e.purpose"))) and \(standsOn))"
    }
}

/// The advisory lock between withdrawals and erasures, which hold it shared until they end, and the beginning and the
/// sealing of an export, which hold it alone: so a withdrawal is either seen by the sealing or sees what was sealed, and
/// an erasure either finds the export or is over before it looks.
enum SealLock {
    /// "PLIMSEAL" in ASCII.
    static let key: Int64 = 0x504C_494D_5345_414C
}
