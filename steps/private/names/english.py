"""English names: given names and surnames that are common in the United States. Pure data; public knowledge (SSA's
yearly lists of given names, the census of 2010 for surnames)."""

from steps.private.words import words

__all__ = ["GIVEN", "SURNAMES", "WORDS"]

GIVEN = words(
    """
    Aaron Abby Abigail Abraham Ada Adam Adrian Adriana Adrienne Agnes Aiden Aimee Alan Albert Alec Alejandro Alex
    Alexa Alexander Alexandra Alexandria Alexis Alfred Alice Alicia Alisha Alison Alissa Allan Allen Allison
    Allyson Alvin Alyssa Amanda Amber Amelia Amy Ana Andre Andrea Andres Andrew Andrews Angel Angela Angelica Angie
    Anita Ann Anna Anne Annette Anthony Antonio April Ariana Ariel Arthur Ashlee Ashley Aubrey Audrey Austin Autumn
    Ava Avery Bailey Barbara Barry Beatrice Becky Ben Benjamin Bernard Beth Bethany Betty Beverly Bianca Bill Billy
    Blake Bob Bobby Bonnie Brad Bradley Brady Brandi Brandon Brandy Breanna Brenda Brendan Brent Brett Brian Briana
    Brianna Bridget Brittany Brittney Brooke Bruce Bryan Bryce Caitlin Caitlyn Caleb Calvin Cameron Candace Candice
    Carl Carla Carlos Carmen Carol Caroline Carolyn Carrie Carter Casey Cassandra Cassidy Cassie Catherine Cathy
    Cesar Chad Charlene Charles Charlie Charlotte Chase Chelsea Cheryl Chelsey Chloe Chris Christian Christie
    Christina Christine Christopher Christy Cindy Claire Clara Clarence Claudia Clayton Clifford Clinton Cody Cole
    Colin Colleen Colton Connie Connor Corey Cory Cote Courtney Craig Cristian Cristina Crystal Curtis Cynthia
    Daisy Dakota Dale Dalton Damon Dan Dana Daniel Danielle Danny Darius Darlene Darrell Darren Darryl Daryl Dave
    David Dawn Dean Deanna Debbie Deborah Debra Denise Dennis Derek Derrick Desiree Destiny Devin Devon Diana Diane
    Diego Dillon Dominic Dominique Don Donald Donna Dorothy Douglas Doris Drew Duane Dustin Dwayne Dylan Earl Eddie
    Edgar Edith Eduardo Edward Edwin Eileen Elaine Eleanor Elena Eli Elijah Elizabeth Ella Ellen Emily Emma
    Emmanuel Eric Erica Erik Erika Erin Ernest Ethan Eugene Eva Evan Evelyn Faith Felicia Fernando Florence Frances
    Francis Francisco Frank Franklin Fred Frederick Gabriel Gabriela Gabriella Gabrielle Garrett Gary Gavin Gene
    Geoffrey George Gerald Gina Glen Glenda Glenn Gloria Gordon Grace Grant Greg Gregg Gregory Guy Hailey Haley
    Hannah Harold Harry Hayden Hayley Heather Hector Heidi Helen Henry Herbert Holly Howard Hunter Ian Irene Isaac
    Isabel Isabella Isaiah Ivan Jack Jackie Jackson Jaclyn Jacob Jacqueline Jade Jaime Jake James Jamie Jan Jane
    Janet Janice Jared Jasmin Jasmine Jason Javier Jay Jean Jeanette Jeanne Jeff Jeffery Jeffrey Jenna Jennifer
    Jenny Jeremiah Jeremy Jermaine Jerome Jerry Jesse Jessica Jesus Jill Jillian Jim Jimmy Jo Joan Joann Joanna
    Joanne Jocelyn Jodi Jody Joe Joel John Johnathan Johnny Jon Jonathan Jonathon Jordan Jorge Jose Joseph Joshua
    Joy Joyce Juan Juanita Judith Judy Julia Julian Julie June Justin Kaitlin Kaitlyn Kara Karen Kari Karina Karl
    Karla Katelyn Katherine Kathleen Kathryn Kathy Katie Katrina Kayla Kaylee Keith Kelli Kellie Kelly Kelsey Ken
    Kendra Kenneth Kerri Kerry Kevin Kim Kimberly Kirk Krista Kristen Kristi Kristie Kristin Kristina Kristine
    Kristopher Kristy Krystal Kurt Kyle Lacey Lance Larry Latasha Latoya Laura Lauren Laurie Lawrence Leah Lee Leon
    Leonard Leroy Leslie Levi Liam Lillian Linda Lindsay Lindsey Lisa Logan Lonnie Lori Lorraine Louis Louise Lucas
    Lucy Luis Luke Lydia Lynn Mackenzie Madeline Madison Makayla Malik Mallory Mandy Manuel Marc Marcia Marco
    Marcus Margaret Maria Mariah Marie Marilyn Mario Marisa Marissa Mark Marlene Martha Martin Marvin Mary Mason
    Mathew Matthew Maureen Maurice Max Maxwell Mckenzie Meagan Megan Meghan Melanie Melinda Melissa Melody Melvin
    Mercedes Meredith Mia Michael Micheal Michaela Michele Michelle Miguel Mike Mindy Miranda Misty Mitchell Molly
    Monica Monique Morgan Nancy Natalie Natasha Nathan Nathaniel Neil Nicholas Nichole Nicolas Nicole Nina Noah
    Norma Norman Olivia Omar Oscar Paige Pam Pamela Parker Patricia Patrick Patty Paul Paula Pedro Peggy Penny
    Perry Peter Philip Phillip Phyllis Preston Priscilla Rachael Rachel Ralph Ramon Randall Randy Raven Ray Raymond
    Rebecca Rebekah Regina Renee Rhonda Ricardo Richard Rick Ricky Riley Rita Robert Roberta Roberto Robin Robyn
    Rodney Roger Ronald Ronnie Rose Ross Roy Ruben Russell Ruth Ryan Sabrina Sally Salvador Sam Samantha Samuel
    Sandra Sandy Sara Sarah Savannah Scott Sean Sergio Seth Shane Shannon Shari Sharon Shaun Shawn Shawna Sheena
    Sheila Shelby Shelia Shelley Shelly Sheri Sherri Sherry Shirley Sierra Sonia Sonya Sophia Spencer Stacey Stacie
    Stacy Stanley Stephanie Stephen Steve Steven Stuart Sue Summer Susan Suzanne Sydney Sylvia Tabitha Tamara Tami
    Tammie Tammy Tanner Tanya Tara Tasha Taylor Ted Teresa Terrance Terri Terry Theodore Theresa Thomas Tiffany Tim
    Timothy Tina Todd Tom Tommy Toni Tony Tonya Tracey Traci Tracie Tracy Travis Trevor Tricia Tristan Troy Tyler
    Tyrone Valerie Vanessa Vernon Veronica Vicki Vickie Victor Victoria Vincent Virginia Walter Wanda Warren Wayne
    Wendy Wesley Whitney William Willie Wyatt Xavier Yesenia Yolanda Yvette Yvonne Zachary Zoe Zoey Harper Layla
    Aria Nora Hazel Leo Owen Carson Hudson Lincoln Ezra Elias Josiah Nolan Easton Adeline Ivy Naomi Luna Stella
    Violet Ruby Alina Maya Elise Camila Penelope Priya Wei Mei Ahmed Mohammed Mohamed Fatima Aisha Hassan Ali Yusuf
    Raj Anil Sanjay Sunil Ravi Deepak Vijay Anjali Pooja Neha Hiroshi Kenji Yuki Sergei Olga Natalia Dmitri Boris
    Pierre Jacques Claude Hans Klaus Jurgen Giulia Luca Paolo Sofia Lars Sven Ingrid Liz Kate Matt Nick Jen Jess
    Josh Zach Andy Maddie Ellie Gail Kay Lana Lena Leigh Leila Marta Mona Nadia Nell Noel Opal Otis Pablo Percy
    Reed Rex Rosa
    """
)
SURNAMES = words(
    """
    Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson
    Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis
    Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera
    Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart
    Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox
    Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders
    Patel Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes
    Gonzales Fisher Vasquez Simmons Romero Jordan Patterson Alexander Hamilton Graham Reynolds Griffin Wallace
    Moreno West Cole Hayes Bryant Herrera Gibson Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall
    Owens Harrison Fernandez Mcdonald Woods Washington Kennedy Wells Vargas Henry Chen Freeman Webb Tucker Guzman
    Burns Crawford Olson Simpson Porter Hunter Gordon Mendez Silva Shaw Snyder Mason Dixon Munoz Hunt Hicks Holmes
    Palmer Wagner Black Robertson Boyd Rose Stone Salazar Fox Warren Mills Meyer Rice Schmidt Garza Daniels
    Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn Kelley Spencer Hawkins Arnold Pierce
    Vazquez Hansen Peters Santos Hart Bradley Knight Elliott Cunningham Duncan Armstrong Hudson Carroll Lane Riley
    Andrews Alvarado Ray Delgado Berry Perkins Hoffman Johnston Matthews Pena Richards Contreras Willis Carpenter
    Lawrence Sandoval Guerrero George Chapman Rios Estrada Ortega Watkins Greene Nunez Wheeler Valdez Harper Burke
    Larson Santiago Maldonado Morrison Franklin Carlson Austin Dominguez Carr Lawson Jacobs Obrien Lynch Singh Vega
    Bishop Montgomery Oliver Jensen Harvey Williamson Gilbert Dean Sims Espinoza Howell Li Wong Reid Hanson Le
    Mccoy Garrett Burton Fuller Wang Weber Welch Rojas Lucas Marquez Fields Park Yang Little Banks Padilla Day
    Walsh Bowman Schultz Luna Fowler Mejia Davidson Acosta Brewer May Holland Juarez Newman Pearson Curtis Cortez
    Douglas Schneider Joseph Barrett Navarro Figueroa Keller Avila Wade Molina Stanley Hopkins Campos Barnett Bates
    Chambers Caldwell Beck Lambert Miranda Byrd Craig Ayala Lowe Frazier Powers Neal Leonard Gregory Carrillo
    Sutton Fleming Rhodes Shelton Schwartz Norris Jennings Watts Cohen Zhang Horton Thornton Oneill Bauer Mueller
    Klein Fischer Becker Kowalski Novak Ivanov Petrov Rossi Russo Ferrari Bianchi Dubois Leroy Moreau Laurent
    Suzuki Tanaka Yamamoto Watanabe Sato Choi Cho Jung Kang Kaur Kumar Sharma Gupta Shah Khan Ahmed Hussain Malik
    Hassan Ali Mohamed Ibrahim Abdullah Okafor Mensah Osei Kamara Barber Bass Benson Blair Bond Bowen Branch Briggs
    Brock Bruce Bush Cain Cannon Chandler Charles Christensen Clarke Cobb Combs Conner Copeland Cross Cummings
    Daniel Doyle Drake Farmer Flynn Francis Frank French Garner Gates Gill Glover Goodman Goodwin Graves Griffith
    Gross Hale Hammond Hampton Hardy Harmon Harrington Hess Higgins Hines Hodges Hogan Holt Hubbard Huff Ingram
    Jefferson Johns Joyce Kemp Kent Kirby Lamb Logan Lowery Lyons Mack Malone Mann Manning Marsh Massey Mathis
    Maxwell Mccarthy Mcbride Mccormick Mcdaniel Mcgee Mcguire Mckinney Mclaughlin Miles Moody Moran Morton Moss
    Mullins Nash Newton Nicholson Norman Norton Oneal Osborne Owen Page Parks Parsons Patrick Patton Paul Phelps
    Poole Pope Potter Pratt Quinn Ramsey Randall Reeves Rivas Robbins Roberson Robles Rodgers Rowe Sharp Sherman
    Skinner Sparks Steele Stephenson Strickland Swanson Terry Todd Townsend Tyler Underwood Vaughn Walls Walters
    Walton Warner Webster Wilkerson Wilkins Wise Wolf Wolfe Wyatt Yates York Zimmerman
    """
)
# Given names and surnames that are words first: they need a word before them that says that a name comes.
WORDS = words(
    """
    April Autumn Summer June May August Faith Hope Grace Joy Rose Amber Crystal Dawn Mark Will Frank Bill Jack
    Christian Penny Olive Ruby Violet Ivy Harmony Melody Mercy Charity Charlotte Austin Madison Jackson Jordan
    Chelsea Paris London Sydney Virginia Carolina Dakota Savannah Victoria Brooke Hunter Chase Drew Grant Guy Dale
    Glen Gene Don Sue Art Pat Rob Max Dean Earl Miles Angel Jesus Destiny Raven Sierra Misty Sandy Holly Heather
    Lincoln Washington Hudson Hazel Luna Stella Mason Carter Parker Taylor Reed Rich Ray Jan Jade Jean Jo Bob Wade
    Ward Pearl Opal
    """
)
