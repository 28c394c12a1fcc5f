"""Small data sets of textbooks."""

from io import StringIO

import pandas as pd


def table(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), sep=" ", dtype=str)


# Quinlan 1986, Induction of decision trees; with numbers as in Witten and Frank, Data Mining, and in Weka.
WEATHER = table("""outlook temperature humidity windy play degrees percent
sunny hot high false no 85 85
sunny hot high true no 80 90
overcast hot high false yes 83 86
rainy mild high false yes 70 96
rainy cool normal false yes 68 80
rainy cool normal true no 65 70
overcast cool normal true yes 64 65
sunny mild high false no 72 95
sunny cool normal false yes 69 70
rainy mild normal false yes 75 80
sunny mild normal true yes 75 70
overcast mild high true yes 72 90
overcast hot normal false yes 81 75
rainy mild high true no 71 91""")
PLAY = WEATHER.pop("play").tolist()
DEGREES, PERCENT = (WEATHER.pop(name).astype(int).tolist() for name in ("degrees", "percent"))
NUMERIC = WEATHER.assign(temperature=DEGREES, humidity=PERCENT)

# Fourteen applicants for a loan: Luger, Artificial Intelligence, chapter on machine learning.
CREDIT = table("""history debt collateral income risk
bad high none 0-15k high
unknown high none 15-35k high
unknown low none 15-35k moderate
unknown low none 0-15k high
unknown low none >35k low
unknown low adequate >35k low
bad low none 0-15k high
bad low adequate >35k moderate
good low none >35k low
good high adequate >35k low
good high none 0-15k high
good high none 15-35k moderate
good high none >35k low
bad high none 15-35k high""")
RISK = CREDIT.pop("risk").tolist()

# The 2,201 people on the Titanic, as counts: data set Titanic of R.
TITANIC = table("""class sex age no yes
1st male adult 118 57
1st female adult 4 140
1st male child 0 5
1st female child 0 1
2nd male adult 154 14
2nd female adult 13 80
2nd male child 0 11
2nd female child 0 13
3rd male adult 387 75
3rd female adult 89 76
3rd male child 35 13
3rd female child 17 14
crew male adult 670 192
crew female adult 3 20""")
TITANIC = TITANIC.melt(["class", "sex", "age"], var_name="survived", value_name="people").astype({"people": int})
