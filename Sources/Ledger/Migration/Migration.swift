import Crypto

/// One numbered step of the schema.
public struct Migration: Sendable, Hashable {
    /// Counts from 1.
    public let number: Int
    /// The file's name without number and suffix, such as `foundation`.
    public let name: String
    let sql: String
    /// SHA-256 of the file's bytes; a step that was applied must never change.
    public let checksum: [UInt8]

    public init(number: Int, name: String, sql: [UInt8]) {
        self.number = number
        self.name = name
        self.sql = String(decoding: sql, as: UTF8.self)
        self.checksum = Array(SHA256.hash(data: sql))
    }

    /// As shown to people: `001_foundation`.
    public var title: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 3 - digits.count)) + digits + "_" + name
    }

    /// The steps of this build, in order.
    public static let shipped: [Migration] = [
        Migration(number: 1, name: "foundation", sql: PackageResources._01_foundation_sql),
        Migration(number: 2, name: "promises", sql: PackageResources._02_promises_sql),
        Migration(number: 3, name: "partitions", sql: PackageResources._03_partitions_sql),
        Migration(number: 4, name: "privileges", sql: PackageResources._04_privileges_sql),
        Migration(number: 5, name: "session", sql: PackageResources._05_session_sql),
        Migration(number: 6, name: "lease_check", sql: PackageResources._06_lease_check_sql),
        Migration(number: 7, name: "presence", sql: PackageResources._07_presence_sql),
        Migration(number: 8, name: "workload", sql: PackageResources._08_workload_sql),
        Migration(number: 9, name: "chain", sql: PackageResources._09_chain_sql),
        Migration(number: 11, name: "org", sql: PackageResources._11_org_sql),
        Migration(number: 10, name: "data", sql: PackageResources._10_data_sql),
        Migration(number: 12, name: "plan", sql: PackageResources._12_plan_sql),
        Migration(number: 13, name: "why", sql: PackageResources._13_why_sql),
        Migration(number: 14, name: "hours", sql: PackageResources._14_hours_sql),
        Migration(number: 15, name: "avail", sql: PackageResources._15_avail_sql),
        Migration(number: 16, name: "forgiven", sql: PackageResources._16_forgiven_sql),
        Migration(number: 17, name: "rights", sql: PackageResources._17_rights_sql),
        Migration(number: 18, name: "policy", sql: PackageResources._18_policy_sql),
        Migration(number: 19, name: "erasure", sql: PackageResources._19_erasure_sql),
        Migration(number: 20, name: "erased_answers", sql: PackageResources._20_erased_answers_sql),
        Migration(number: 21, name: "partition_lock", sql: PackageResources._21_partition_lock_sql),
        Migration(number: 22, name: "export_looks", sql: PackageResources._22_export_looks_sql),
        Migration(number: 23, name: "corrections", sql: PackageResources._23_corrections_sql),
        Migration(number: 24, name: "deadline_rule", sql: PackageResources._24_deadline_rule_sql),
    ]
}
