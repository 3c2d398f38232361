"""The SOAP wire: envelopes from a WSDL on disk, over our own transport."""
