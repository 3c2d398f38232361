"""The parts of the measurements that can be judged without measuring."""
