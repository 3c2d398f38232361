"""A SOAP service on the npm package `soap`, for the WSDL of the road agency."""
