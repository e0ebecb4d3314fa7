"""The command line. Commands are thin; what they do lies in `cryptoviz.stack` and `cryptoviz.inspect`."""
