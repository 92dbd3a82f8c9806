"""Check an evidence file of Tallystick: every digest, sum, chain, proof and signature in it.

    python verify.py FILE.zip        or the folder into which it was unpacked
    python verify.py --key KEY ...   hold the checkpoint to a key that you have from elsewhere
    python -m verifier FILE.zip      the same from a checkout of Tallystick

Python 3.11 or later and its standard library are all it needs: no database, no network. It shares
no code with the programme that wrote the file; README.txt in it describes every format. It exits
with 0 when everything holds, 1 when anything does not (each finding is printed), 2 when it was
asked in a way that it does not understand.
"""
