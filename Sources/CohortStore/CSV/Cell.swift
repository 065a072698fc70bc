/// What a cell of a patient file is.
enum Cell: Equatable {
    case missing
    case number(Double)
    case boolean(Bool)
    case level(Int32)
    /// The cell's own bytes: an identifier.
    case text
    case refused(CellFault)
}
