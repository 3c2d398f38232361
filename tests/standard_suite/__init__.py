"""What every agency file must stand: run for each file in config/agencies and each profile in config/systems, against a stand-in made from the file.

For the two sample agencies the parts that a system of flesh and blood can show are run against their own hand-written systems too.
"""
