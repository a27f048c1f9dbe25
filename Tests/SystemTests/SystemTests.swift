import Testing

/// Whole deployments of real processes: PostgreSQL, coordinators, workers. One at a time, since each takes the whole
/// machine and some of them measure seconds.
@Suite(.serialized) enum SystemTests {}
