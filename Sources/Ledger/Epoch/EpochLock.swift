/// The advisory lock over the deployment's shared state: flushes hold it shared until they end; commands that change
/// what flushes must obey (policy, pause, deny, roles, takeover) hold it exclusively, so that whatever commits after
/// such a command returned was decided by the new state.
///
/// An advisory lock and not a row: a shared row lock would write to the row's page in every flush.
public enum EpochLock {
    /// "PLIMSOL1" in ASCII; the one advisory lock key of this meaning in the database.
    public static let key: Int64 = 0x504C_494D_534F_4C31
}
