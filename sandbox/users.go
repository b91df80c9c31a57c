package sandbox

import "strings"

// User is one of the six invented customers of the bank's page.
type User struct {
	Name      string
	UserName  string // as the page prints it
	Kennitala string
	Primary   string // account for payments; empty: not found at the bank
	Secondary string // account without funds
	Comment   string // as the page prints it

	alias        string // as the FAQ prints it, where that differs
	gender       string
	birthdate    string
	wrongProduct bool // case 2: the primary account is not a payment account
	limitSpent   bool // case 4: the daily limit is always used up
}

// bankUsers returns the table of the bank's page. All six kennitölur are made
// up and most fail the old check digit, which is no longer to be tested.
func bankUsers() []User {
	return []User{
		{
			Name: "Jón Gervimaður Gunnarsson", UserName: "JONGUNARS", alias: "JONGUNNARS",
			Kennitala: "0101809999", Primary: "013826010180", Secondary: "015826010180",
			gender: "male", birthdate: "1980-01-01",
		},
		{
			Name: "Sigurður Gervimaður Ólafsson", UserName: "SIGGIOLAFS", alias: "SIGGIIOLAFS",
			Kennitala: "0201809999", Comment: "Any accounts will not be found",
			gender: "male", birthdate: "1980-01-02",
		},
		{
			Name: "Guðmundur Gervimaður Einarsson", UserName: "GUDEINARS",
			Kennitala: "0301809999", Primary: "013826030180", Secondary: "015826030180",
			Comment: "The primary account will not be of the right type",
			gender:  "male", birthdate: "1980-01-03", wrongProduct: true,
		},
		{
			Name: "Guðrún Gervikona Gunnarsdóttir", UserName: "GUDGUNNARS",
			Kennitala: "0401809999", Primary: "013826040180", Secondary: "015826040180",
			gender: "female", birthdate: "1980-01-04",
		},
		{
			Name: "Anna Gervikona Einarsdóttir", UserName: "ANNAEINARS",
			Kennitala: "0501809999", Primary: "013826050180", Secondary: "015826050180",
			Comment: "Has used up the daily limit on her primary account",
			gender:  "female", birthdate: "1980-01-05", limitSpent: true,
		},
		{
			Name: "Kristín Gervikona Ólafsdóttir", UserName: "KRISTOLAFS",
			Kennitala: "0601809999", Primary: "013826060180", Secondary: "015826060180",
			gender: "female", birthdate: "1980-01-06",
		},
	}
}

// Users returns the six customers in the order of the bank's page.
func (b *Bank) Users() []User { return bankUsers() }

// findUser looks a customer up by user name, in any case and either spelling.
func findUser(name string) (User, bool) {
	name = strings.TrimSpace(name)
	for _, u := range bankUsers() {
		if strings.EqualFold(name, u.UserName) || u.alias != "" && strings.EqualFold(name, u.alias) {
			return u, true
		}
	}
	return User{}, false
}
