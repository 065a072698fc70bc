// Made once with OpenSSL 3.0.19's command line, because our own authority refuses to make them:
// openssl genpkey (-aes256 for the encrypted one); openssl req -x509 for the root, with keyCertSign and
// cRLSign; openssl x509 -req -days 36500 with CA:FALSE, digitalSignature, subject and authority key
// identifiers, and the extended key usage and names that each certificate's own name tells; openssl ca
// -gencrl -crldays 36500. Throw-away keys.

struct ForeignKeys {
    let p384 = """
        -----BEGIN PRIVATE KEY-----
        MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDA64XBvpxv1ggPJDu2J
        C6tMGNKOdK58fm+lpfutTQFq8Zvb8+UPbrp1o9CVx75pkPihZANiAAT8PjWJDiOL
        wBPG6lfud0j0huolRaNwRSN/6mTVUmXbApC0SvS2YfOxRoQf82NXutt5OV4o2io5
        51iGAq4fgEfsZUKHeAQ3E5IbHSNGCm8AkByiCpIFIKxddONGpZNsCsM=
        -----END PRIVATE KEY-----
        """
    let encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhEwPtaocouZgICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEE8e4gVTOpTrA3geyUJrhN4EgZBS
        4vmIitg1+ZInpXNfdjmTWQ1LmV0bsC9GbnEr7Y6Vd5piDxE9g0+RGYetubcshaXy
        gWO6UXbVZlJj4c4HfjXbwx19FSBS/QSevylEDKTMMbvwEjo+FLhOiVw2ZnSM7Zbc
        ZNH2AVFKvmYQ3xInu4y+MvJfhcdr2mDf9Uh1x0LkMwmKm2UHYdtXSwMn/4r+dUg=
        -----END ENCRYPTED PRIVATE KEY-----
        """
}

struct ForeignLeaf {
    /// 2030-01-01: within everybody's validity.
    let time = 1_893_456_000
    let root = """
        -----BEGIN CERTIFICATE-----
        MIIBijCCATGgAwIBAgIUSz3OubFXXmy2n+m+I7mLL8QFe1cwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHZm9yZWlnbjAgFw0yNjExMjMwODM2NDhaGA8yMTI2MTAzMDA4
        MzY0OFowEjEQMA4GA1UEAwwHZm9yZWlnbjBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABNUDmr4jiiFfLhley9KMlZrerY5IeAqshx53qa4tYh3hr4BIHfegYLXBMzrb
        MJVBshm0rlncowHgzEU/2GWBL3CjYzBhMB0GA1UdDgQWBBR8BgjleeHKEDHhsIjb
        9O5xVnMcDjAfBgNVHSMEGDAWgBR8BgjleeHKEDHhsIjb9O5xVnMcDjAPBgNVHRMB
        Af8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNHADBEAiBk07jw
        6mJAnWo80H/tNjVK864XB/LHAGLnLwXN4N+m/QIgbO018UtLQ//ZjNcGxVa/5AUo
        A/BK1YURcjyPnGirKPA=
        -----END CERTIFICATE-----
        """
    let list = """
        -----BEGIN X509 CRL-----
        MIGsMFMCAQEwCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHZm9yZWlnbhcNMjYxMTIz
        MDgzNjQ4WhgPMjEyNjEwMzAwODM2NDhaoA4wDDAKBgNVHRQEAwIBATAKBggqhkjO
        PQQDAgNJADBGAiEA6quuIgVCPQoAf0Tj0IQrKGslesU8y579NgA/1xdfdAkCIQDd
        g6Ze+0Q2sVPEqOXH1E1DFGSmEcb2500hIxDyXQ6jHg==
        -----END X509 CRL-----
        """
    /// Names a node, but has no extended key usage.
    let noExtendedUsage = """
        -----BEGIN CERTIFICATE-----
        MIIBqTCCAVCgAwIBAgIUEZeUcA8k5ocv2vitqsPkvmByVPkwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHZm9yZWlnbjAgFw0yNjExMjMwODM2NDhaGA8yMTI2MTAzMDA4
        MzY0OFowEDEOMAwGA1UEAwwFbm9la3UwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AATH7VWJ0X7Kt4JpWvt7KM+P+xWuVPKK64jFKluuzpX9ymu8EIkzO6PoIccJn8U0
        wZIEFhJF0LPtx1YpRu31G5KPo4GDMIGAMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/
        BAQDAgeAMB0GA1UdDgQWBBRieDxCKpfaVDRtvqhmsESvPe8nBzAfBgNVHSMEGDAW
        gBR8BgjleeHKEDHhsIjb9O5xVnMcDjAgBgNVHREEGTAXhhVzcGlmZmU6Ly9saXZl
        ci9ub2RlL2EwCgYIKoZIzj0EAwIDRwAwRAIgfHpC+oVo4FLffNAwwiQ/byN34gBh
        MOOa5x2V2qw0POoCIHC+F8+YkVTzkemaG4lakA81Th7pEwRk06dj3WOuryir
        -----END CERTIFICATE-----
        """
    let codeSigning = """
        -----BEGIN CERTIFICATE-----
        MIIBvjCCAWSgAwIBAgIUGe9OId1Pkp84CLNEVNHPBlqiyDgwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHZm9yZWlnbjAgFw0yNjExMjMwODM2NDhaGA8yMTI2MTAzMDA4
        MzY0OFowDzENMAsGA1UEAwwEY29kZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
        BKfzdJMt/+FVkNizlm2+GeErxW7tpqCFOvf4aPOpz7rPRs9K5iQbCsMFA+OkfiL/
        Gp6VD7nfx2UnZH7djIbiZDWjgZgwgZUwDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8E
        BAMCB4AwHQYDVR0OBBYEFLUYG1gCzkwFDIapWN3Cq4lnWILLMB8GA1UdIwQYMBaA
        FHwGCOV54coQMeGwiNv07nFWcxwOMCAGA1UdEQQZMBeGFXNwaWZmZTovL2xpdmVy
        L25vZGUvYTATBgNVHSUEDDAKBggrBgEFBQcDAzAKBggqhkjOPQQDAgNIADBFAiBo
        D9uKSlcKpXWxXprEi9ykDh2Kdvo1p10kYnbNgEmyhQIhAN695cszptPoK/l1ft08
        5ZlPf6ZHcwXWTrqavsfOCKmK
        -----END CERTIFICATE-----
        """
    /// A client with the URIs of two nodes.
    let twoNames = """
        -----BEGIN CERTIFICATE-----
        MIIB1DCCAXqgAwIBAgIULUdM2ZQQRtzU3jTz5DT9vFFuYvYwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHZm9yZWlnbjAgFw0yNjExMjMwODM2NDhaGA8yMTI2MTAzMDA4
        MzY0OFowDjEMMAoGA1UEAwwDdHdvMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
        6W5bbdCd+/vwIRDeKrC1SgKDfJ8Rdiv9KXU57QRi49BLEDH1Eb5kJQzpWdrLW9SS
        kUzTFS71s5DXoc4YNClcvKOBrzCBrDAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQE
        AwIHgDAdBgNVHQ4EFgQUHh6+lJxPFqHCrWKDknL6KjNBWq0wHwYDVR0jBBgwFoAU
        fAYI5XnhyhAx4bCI2/TucVZzHA4wNwYDVR0RBDAwLoYVc3BpZmZlOi8vbGl2ZXIv
        bm9kZS9hhhVzcGlmZmU6Ly9saXZlci9ub2RlL2IwEwYDVR0lBAwwCgYIKwYBBQUH
        AwIwCgYIKoZIzj0EAwIDSAAwRQIhAIdCErK+h2X5uaTn2BE9J7zqFGvKjtf8PhAa
        9vwsYfRfAiAcq0PtVY/UPNhBR62YjUqCncblH0EZaYVEB7G0BRpMNg==
        -----END CERTIFICATE-----
        """
}

let foreignKeys = ForeignKeys()
let foreignLeaf = ForeignLeaf()
