"""Makes answers: claims generations, streams from model servers, writes logs, hands over and takes over."""
