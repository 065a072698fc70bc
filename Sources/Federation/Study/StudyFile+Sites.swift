extension StudyFile {
    /// Fewest hospitals of a study; no policy allows fewer in a session.
    package static let sitesFloor = 3

    /// Refuses a study that no hospital could take part in; a fit on files of one's own asks for no sites.
    package func requireEnoughSites() throws(StudyError) {
        guard sites.count >= Self.sitesFloor else { throw .tooFewSites(sites.count) }
    }
}
