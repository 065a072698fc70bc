/// What people hand in for CSV by mistake, recognised by its first bytes.
package enum ForeignFormat: String, Sendable, CaseIterable {
    case workbook = "an Excel workbook"
    case oldWorkbook = "an old Excel workbook (.xls)"
    case compressed = "a compressed file"
    case pdf = "a PDF document"
    case richText = "a text document (RTF)"
    case markup = "a web page or XML"
    case json = "JSON"
    case rData = "a file of R's own (RData)"
    case sas = "a file of SAS's own"
    case spss = "a file of SPSS's own"
    case stata = "a file of Stata's own"
    case parquet = "a Parquet file"
    case database = "an SQLite database"
    case box = "a table drawn with lines, as SQL tools show it"

    var remedy: String {
        switch self {
        case .workbook, .oldWorkbook: "save it as CSV UTF-8"
        case .compressed: "unpack it first"
        case .pdf, .richText, .markup: "export the table as CSV UTF-8"
        case .json, .rData, .sas, .spss, .stata, .parquet, .database, .box:
            "write the table as CSV UTF-8 there"
        }
    }

    private static let signatures: [([UInt8], ForeignFormat)] = [
        ([0x50, 0x4B, 0x03, 0x04], .workbook), ([0xD0, 0xCF, 0x11, 0xE0], .oldWorkbook),
        ([0x1F, 0x8B], .compressed), (Array("BZh".utf8) + [0x39], .compressed),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], .compressed), ([0x28, 0xB5, 0x2F, 0xFD], .compressed),
        ([0x37, 0x7A, 0xBC, 0xAF], .compressed), (Array("%PDF-".utf8), .pdf),
        (Array("{\\rtf".utf8), .richText), (Array("RDX2\n".utf8), .rData), (Array("RDX3\n".utf8), .rData),
        (Array("HEADER RECORD*******".utf8), .sas),
        ([UInt8](repeating: 0, count: 12) + [0xC2, 0xEA, 0x81, 0x60], .sas), (Array("$FL2".utf8), .spss),
        (Array("$FL3".utf8), .spss), (Array("<stata_dta>".utf8), .stata), (Array("PAR1".utf8), .parquet),
        (Array("SQLite format 3".utf8) + [0], .database), (Array("{\"".utf8), .json),
        (Array("+--".utf8), .box), (Array("\u{250C}\u{2500}".utf8), .box),
        (Array("\u{256D}\u{2500}".utf8), .box),
        (Array("[{".utf8), .json), (Array("{\n".utf8), .json), (Array("[\n".utf8), .json),
    ]

    /// The format of a file that begins with these bytes; nil if it may be CSV.
    init?(_ bytes: some Collection<UInt8>) {
        if let (_, format) = ForeignFormat.signatures.first(where: { bytes.starts(with: $0.0) }) {
            self = format
            return
        }
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        guard bytes.first(where: { !blanks.contains($0) }) == UInt8(ascii: "<") else { return nil }
        self = .markup
    }
}
